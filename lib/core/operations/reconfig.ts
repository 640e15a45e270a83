/** reconfig: members do not change while an ensemble runs, and ZooKeeper's answer for that comes before every other check (semantics §16). */
import type { ReconfigRequest } from '../../model/request.js'
import { errorTxn, type WriteOperation } from './operation.js'

export const reconfig: WriteOperation<ReconfigRequest> = { kind: 'write', prepare: () => errorTxn('RECONFIG_DISABLED') }
