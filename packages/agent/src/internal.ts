/** For simulated cells, which run guests without a thread. No promise is made about these names. */
export { guestMain } from './guest/guest.ts'
