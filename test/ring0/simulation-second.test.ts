import { simulations } from './simulations.ts'

simulations(501, 1_000)
