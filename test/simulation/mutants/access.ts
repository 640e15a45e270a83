/** Mutants in who a client is, and what it may do. */
import { multi } from '../../../lib/core/operations/multi.js'
import { AttachedClient } from '../../../lib/core/pipeline/clients.js'
import { ForwardStation } from '../../../lib/core/pipeline/forward.js'
import { RequestPipeline } from '../../../lib/core/pipeline/request-pipeline.js'
import { Access } from '../../../lib/core/tree/access.js'
import { TreeOverlay } from '../../../lib/core/tree/tree-overlay.js'
import { WatchRegistry } from '../../../lib/core/watch/watch-registry.js'
import { type Identities, TRUSTED } from '../../../lib/model/acl.js'
import type { SessionId } from '../../../lib/model/ids.js'
import { acls } from '../scenario.js'
import { type Mutant, replaceMethod } from './mutant.js'

export const accessMutants: readonly Mutant[] = [
  {
    name: 'a write is judged by the ACL that is applied, not by the one proposed before it',
    rows: ['C1'],
    scenario: acls,
    plant: () =>
      replaceMethod(TreeOverlay.prototype, 'aclSet', aclSet => {
        return function (this: TreeOverlay, path, _acl, aversion, zxid) {
          aclSet.call(this, path, this.state(path)!.acl, aversion, zxid)
        }
      }),
  },
  {
    name: 'events are told to those who may not read',
    about: 'CVE-2024-23944',
    rows: ['W7'],
    scenario: acls,
    plant: () =>
      replaceMethod(WatchRegistry.prototype, 'fire', fire => {
        return function (this: WatchRegistry, changes, zxid) {
          fire.call(this, changes, zxid)
        }
      }),
  },
  {
    name: 'a learner sends a write with the identities of whoever wrote before',
    rows: ['C1'],
    scenario: acls,
    plant: () =>
      replaceMethod(ForwardStation.prototype, 'submit', submit => {
        let last: Identities = []
        return function (this: ForwardStation, request) {
          submit.call(this, { ...request, identities: last })
          last = request.identities
        }
      }),
  },
  {
    name: 'the steps of a multi may do everything',
    about: 'etcd CVE-2026-33343: nested transactions skipped permission checks',
    rows: ['C1'],
    scenario: acls,
    plant: () =>
      replaceMethod(
        multi,
        'prepare',
        prepare => (request, context) =>
          prepare(request, { ...context, requester: { ...context.requester, identities: TRUSTED } }),
      ),
  },
  {
    name: 'who proves to be more has been it all the time',
    rows: ['C1', 'C5'],
    scenario: acls,
    plant: () =>
      replaceMethod(AttachedClient.prototype, 'authenticate', authenticate => {
        return function (this: AttachedClient, more) {
          authenticate.call(this, more)
          for (const entry of this.outstanding()) (entry as { identities: Identities }).identities = this.identities
        }
      }),
  },
  {
    name: 'identities outlive the attachment that proved them',
    rows: ['C1', 'C5', 'W7', 'W3'],
    scenario: acls,
    plant: () => {
      const known = new Map<SessionId, Identities>()
      const undoProve = replaceMethod(AttachedClient.prototype, 'authenticate', authenticate => {
        return function (this: AttachedClient, more) {
          authenticate.call(this, more)
          known.set(this.session, this.identities)
        }
      })
      const undoAttach = replaceMethod(RequestPipeline.prototype, 'attach', attach => {
        return function (this: RequestPipeline, id, attachment, now) {
          const identities = (attachment.resume && known.get(attachment.resume.session)) ?? attachment.identities
          attach.call(this, id, { ...attachment, identities }, now)
        }
      })
      return () => {
        undoProve()
        undoAttach()
      }
    },
  },
  {
    name: 'an address is compared without its mask',
    rows: ['C1', 'C5', 'W1', 'W4'],
    scenario: acls,
    plant: () =>
      replaceMethod(Access.prototype, 'permits', permits => {
        return function (this: Access, acl, identities, wanted) {
          return permits.call(
            this,
            acl.map(entry => ({ ...entry, id: entry.id.replace(/\/.*/, '') })),
            identities,
            wanted,
          )
        }
      }),
  },
  {
    name: 'an ACL shows the hashes of passwords to everybody',
    about: 'CVE-2019-0201',
    rows: ['C5'],
    scenario: acls,
    plant: () => replaceMethod(Access.prototype, 'masked', () => acl => acl),
  },
]
