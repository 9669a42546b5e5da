export { cellLauncher, type CellLauncherOptions } from './cell-launcher.ts'
