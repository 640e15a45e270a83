/** Every planted bug. Which seeds kill it stands in kills.json, made by `npm run test:mutants -- --discover`. */
import { accessMutants } from './access.js'
import { diskMutants } from './disks.js'
import { durabilityMutants } from './durability.js'
import { electionMutants } from './elections.js'
import { freshDiskMutants } from './fresh-disks.js'
import { historyMutants } from './history.js'
import { lifetimeMutants } from './lifetimes.js'
import { localSessionMutants } from './local-sessions.js'
import type { Mutant } from './mutant.js'
import { quotaMutants } from './quotas.js'
import { requestMutants } from './requests.js'
import { sessionMutants } from './sessions.js'
import { slownessMutants } from './slowness.js'
import { stateMutants } from './states.js'
import { synchronizationMutants } from './synchronization.js'
import { treeMutants } from './tree.js'
import { watchMutants } from './watches.js'
import { weightMutants } from './weights.js'

export const mutants: readonly Mutant[] = [
  ...durabilityMutants,
  ...electionMutants,
  ...historyMutants,
  ...synchronizationMutants,
  ...requestMutants,
  ...sessionMutants,
  ...treeMutants,
  ...watchMutants,
  ...stateMutants,
  ...slownessMutants,
  ...diskMutants,
  ...freshDiskMutants,
  ...accessMutants,
  ...localSessionMutants,
  ...lifetimeMutants,
  ...quotaMutants,
  ...weightMutants,
]
