/** What the machine has, and lets ring 0 enforce; probed once, at the start. */
export interface MachineFacts {
  readonly processors: number
  readonly memoryMb: number
  /** Resident memory of any process can be read (Linux: /proc). */
  readonly residentMemory: boolean
  /** Node denies files, network and children to a thread that asks for it. */
  readonly permissions: boolean
  /** A thread can be weighed from outside while its code runs. */
  readonly weighsThreads: boolean
  /** The kernel could limit memory by cgroup v2 here; what is enforced does not rest on it. */
  readonly cgroupMemory: boolean
}
