export { type Amounts, fromDollars, type Kind, kinds, minus, plus, toDollars } from './amounts.ts'
export { type Budget, defaultBudget, unlimited } from './budget.ts'
export { type Calendar, type Unit, units } from './period.ts'
export { costOf, type Price, priceOf, pricesOf, type Rates, type Usage, worstCost } from './price.ts'
export {
  at,
  confirm,
  type EndedDay,
  emptyPurse,
  grant,
  hold,
  type Purse,
  refund,
  reserve,
  settle,
  type Tally,
  warned,
} from './purse.ts'
export {
  type Exceeded,
  emptyTurnPurse,
  exceededBy,
  exceededInTurn,
  type Holding,
  type TurnPurse,
  usedUp,
} from './room.ts'
export { type Warning, warnings } from './warning.ts'
