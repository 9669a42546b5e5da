import { availableParallelism, totalmem } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { MachineFacts } from '@vigil/protocol'
import { cgroupControllers, residentBytes } from './proc.ts'

/** Looks at the machine and at this node. Takes some 100 us and never fails. */
export function probeMachine(): MachineFacts {
  return {
    processors: availableParallelism(),
    memoryMb: Math.floor(totalmem() / 1_048_576),
    residentMemory: residentBytes(process.pid) !== undefined,
    // The flag that came last: without it a guest could open sockets.
    permissions: process.allowedNodeEnvironmentFlags.has('--allow-net'),
    weighsThreads: typeof Worker.prototype.getHeapStatistics === 'function',
    cgroupMemory: cgroupControllers().includes('memory'),
  }
}
