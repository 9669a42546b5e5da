import { simulations } from './simulations.ts'

// In two files, so that two cores share them.
simulations(1, 250)
