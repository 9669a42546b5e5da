export { moduleSource } from '../wire/module-source.ts'
export { type CellLauncherOptions, cellLauncher } from './cell-launcher.ts'
export { probeMachine } from './machine.ts'
export {
  type ServerProcess,
  type ServerProcesses,
  type ServerProcessesOptions,
  serverProcesses,
} from './server-process.ts'
