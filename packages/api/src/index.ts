export { isLoopback } from './guard.ts'
export { createHandler, type Handler, type HandlerOptions } from './handler.ts'
export type { RuntimeSurface } from './runtime-surface.ts'
export { type Listener, type ServeOptions, serve, serveHooks } from './serve.ts'
