export const Supervisor = 1
