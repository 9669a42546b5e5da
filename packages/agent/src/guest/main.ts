import { after, enterGuest, loadModule } from '@vigil/isolate/guest'
import { isEcho } from './coded-error.ts'
import { installGlobals } from './globals.ts'
import { type GuestThread, guestMain } from './guest.ts'
import { rehearse } from './rehearsal.ts'

/** The program of a guest thread; bundled by ring 0 and handed over as source. */
process.on('unhandledRejection', (reason) => {
  // What a cancelled turn left behind may reject unheard; anything else ends the thread, as it does everywhere.
  if (!isEcho(reason)) throw reason
})

const thread: GuestThread = { takeGlobals: installGlobals, nextTurn: setImmediate, after }

enterGuest(guestMain(loadModule, thread), () => rehearse((load) => guestMain(load, thread)))
