import { simulations } from './simulations.ts'

simulations(251, 500)
