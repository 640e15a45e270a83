/** Bugs planted, while a run lasts, in who a client is to those who serve it, in what it may hear, and in what it gets where there is no leader. */
import { Authenticator } from '../../../lib/auth/authenticator.js'
import { PendingCalls } from '../../../lib/client/pending-calls.js'
import { Requests } from '../../../lib/client/requests.js'
import { create } from '../../../lib/core/operations/create.js'
import { ClientTable } from '../../../lib/core/pipeline/clients.js'
import { WatchRegistry } from '../../../lib/core/watch/watch-registry.js'
import { LocalChannels } from '../../../lib/host/local-channel.js'
import { DONE } from '../../../lib/model/response.js'
import { replaceMethod } from '../mutants/mutant.js'
import type { HostMutant } from './host-mutant.js'
import { leaderless, somebodies } from './host-scenario.js'

const movingSomebodies = { ...somebodies, roaming: 5, faults: ['moveSession', 'crash', 'resetLink'] } as const

export const standingMutants: readonly HostMutant[] = [
  {
    name: 'who attaches again does not say again who it is',
    rows: ['C1', 'C5'],
    scenario: { ...movingSomebodies, faultEveryMs: 150 },
    plant: () =>
      replaceMethod(PendingCalls.prototype, 'sendFirst', sendFirst => {
        return function (this: PendingCalls, call, send) {
          if (call.request.kind !== 'auth') sendFirst.call(this, call, send)
        }
      }),
  },
  {
    name: 'whoever says to be somebody is believed',
    rows: ['C5'],
    scenario: somebodies,
    plant: () =>
      replaceMethod(Authenticator.prototype, 'authenticate', authenticate => {
        return function (this: Authenticator, scheme, auth, connection) {
          return authenticate.call(this, scheme, auth, connection) ?? []
        }
      }),
  },
  {
    name: 'a watch tells of what its client may not read',
    rows: ['W7'],
    scenario: somebodies,
    plant: () =>
      replaceMethod(WatchRegistry.prototype, 'fire', fire => {
        return function (this: WatchRegistry, changes, zxid) {
          fire.call(this, changes, zxid, () => true)
        }
      }),
  },
  {
    name: 'the reads of a multiRead are of several moments',
    rows: ['C5'],
    scenario: somebodies,
    plant: () =>
      replaceMethod(Requests.prototype, 'multiRead', multiRead => {
        const oneByOne: typeof multiRead = async function (this: Requests, ops, scope, read) {
          const results = []
          for (const each of ops) results.push(...(await multiRead.call(this, [each], scope, read as never)))
          return results as never
        }
        return oneByOne as never
      }),
  },
  {
    name: 'an update that a peer without a leader refuses is told to be done',
    rows: ['C15', 'C6'],
    scenario: leaderless,
    plant: () =>
      replaceMethod(LocalChannels.prototype, 'perform', perform => {
        return function (this: LocalChannels, effect) {
          const refuses =
            effect.kind === 'reply' && effect.response.kind === 'error' && effect.response.code === 'NOT_READ_ONLY'
          perform.call(this, refuses ? { ...effect, response: DONE } : effect)
        }
      }),
  },
  {
    name: 'a peer keeps whom it served without a leader',
    rows: ['W10', 'L2'],
    scenario: leaderless,
    plant: () =>
      replaceMethod(ClientTable.prototype, 'all', all => {
        return function (this: ClientTable) {
          return all.call(this).filter(({ readOnly }) => !readOnly)
        }
      }),
  },
  {
    name: 'a local session owns ephemerals',
    rows: ['S4', 'S10'],
    scenario: leaderless,
    plant: () =>
      replaceMethod(create, 'prepare', prepare => (request, context) => {
        const sessions = Object.create(context.sessions, { speaksFor: { value: () => true } })
        return prepare(request, { ...context, sessions, requester: { ...context.requester, local: false } })
      }),
  },
]
