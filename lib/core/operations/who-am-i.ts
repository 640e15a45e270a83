/** whoAmI: every identity of the client, in the order in which it got them, as their schemes show them. */
import type { WhoAmIRequest } from '../../model/request.js'
import type { Response } from '../../model/response.js'
import type { ReadContext, ReadOperation } from './operation.js'

export const whoAmI: ReadOperation<WhoAmIRequest> = { kind: 'read', answer: answerWhoAmI }

function answerWhoAmI(_request: WhoAmIRequest, { access, identities }: ReadContext): Response {
  return {
    kind: 'identities',
    identities: identities.map(identity => ({ scheme: identity.scheme, user: access.userName(identity) })),
  }
}
