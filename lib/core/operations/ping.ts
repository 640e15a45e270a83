/** ping: an answer in its turn; that the client lives is noted where requests come in. */
import type { PingRequest } from '../../model/request.js'
import { DONE } from '../../model/response.js'
import type { ReadOperation } from './operation.js'

export const ping: ReadOperation<PingRequest> = { kind: 'read', answer: () => DONE }
