/**
 * authenticated: a client has proved to its peer who else it is (auth/authenticator.ts). It counts from the moment it arrives, for what comes behind
 * it (pipeline/clients.ts), and is answered in its turn. Nothing of it is replicated: identities belong to the attachment, not to the session.
 */
import type { AuthenticatedRequest } from '../../model/request.js'
import { DONE } from '../../model/response.js'
import type { ReadOperation } from './operation.js'

export const authenticated: ReadOperation<AuthenticatedRequest> = { kind: 'read', answer: () => DONE }
