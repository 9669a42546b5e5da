import { enterGuest, loadModule } from '@vigil/isolate/guest'
import { isEcho } from './coded-error.ts'
import { guestMain } from './guest.ts'
import { rehearse } from './rehearsal.ts'

/** The program of a guest thread; bundled by ring 0 and handed over as source. */
process.on('unhandledRejection', (reason) => {
  // What a cancelled turn left behind may reject unheard; anything else ends the thread, as it does everywhere.
  if (!isEcho(reason)) throw reason
})

enterGuest(guestMain(loadModule), () => rehearse(guestMain))
