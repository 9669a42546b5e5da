export { type CellLauncherOptions, cellLauncher } from './cell-launcher.ts'
