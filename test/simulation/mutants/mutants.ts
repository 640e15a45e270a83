/** Every planted bug. */
import { durabilityMutants } from './durability.js'
import { historyMutants } from './history.js'
import type { Mutant } from './mutant.js'
import { requestMutants } from './requests.js'
import { slownessMutants } from './slowness.js'
import { stateMutants } from './states.js'

export const mutants: readonly Mutant[] = [
  ...durabilityMutants,
  ...historyMutants,
  ...requestMutants,
  ...stateMutants,
  ...slownessMutants,
]
