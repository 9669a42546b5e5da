import { enterGuest, loadModule } from '@vigil/isolate/guest'
import { guestMain } from './guest.ts'

/** The program of a guest thread; bundled by ring 0 and handed over as source. */
enterGuest(guestMain(loadModule))
