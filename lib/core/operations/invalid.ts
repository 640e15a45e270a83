/** invalid: refused with the code that it brings, under a zxid of its own: what the clients of the wire see of a write that makes no sense. */
import type { InvalidRequest } from '../../model/request.js'
import { errorTxn, type WriteOperation } from './operation.js'

export const invalid: WriteOperation<InvalidRequest> = { kind: 'write', prepare: ({ code }) => errorTxn(code) }
