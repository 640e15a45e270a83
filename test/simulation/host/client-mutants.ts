/** Bugs planted into the client while a run lasts: what it makes of answers, events and lost connections. */
import { PendingCalls } from '../../../lib/client/pending-calls.js'
import { type Bytes, Requests } from '../../../lib/client/requests.js'
import { Watches } from '../../../lib/client/watches.js'
import { ZooKeeperError } from '../../../lib/model/errors.js'
import { DONE } from '../../../lib/model/response.js'
import { ZERO } from '../../../lib/model/zxid.js'
import { replaceMethod } from '../mutants/mutant.js'
import { every, type HostMutant } from './host-mutant.js'
import { moving } from './host-scenario.js'

export const clientMutants: readonly HostMutant[] = [
  {
    name: 'what was sent when the connection was lost is sent again',
    rows: ['C1'],
    scenario: moving,
    plant: () =>
      replaceMethod(PendingCalls.prototype, 'add', add => {
        return function (this: PendingCalls, call) {
          return add.call(this, { ...call, repeat: true })
        }
      }),
  },
  {
    name: 'what was sent when the connection was lost is told not to be applied',
    rows: ['C7'],
    scenario: moving,
    plant: () =>
      replaceMethod(PendingCalls.prototype, 'add', add => {
        return function (this: PendingCalls, call) {
          const failed = (error: ZooKeeperError): void =>
            call.failed(new ZooKeeperError(error.code, error.message, { outcome: 'not-applied' }))
          return add.call(this, { ...call, failed })
        }
      }),
  },
  {
    name: 'a lost delete is told to be done',
    rows: ['C6'],
    scenario: moving,
    plant: () =>
      replaceMethod(PendingCalls.prototype, 'add', add => {
        return function (this: PendingCalls, call) {
          const failed = (error: ZooKeeperError): void => {
            if (call.request.kind === 'delete') call.answered({ zxid: ZERO, response: DONE })
            else call.failed(error)
          }
          return add.call(this, { ...call, failed })
        }
      }),
  },
  {
    name: 'sync asks the own replica only',
    rows: ['C8'],
    scenario: moving,
    plant: () =>
      replaceMethod(Requests.prototype, 'sync', () => {
        return function (this: Requests, path, scope) {
          return this.get(path, scope, ({ zxid }) => zxid)
        }
      }),
  },
  {
    name: 'a multi is sent step by step',
    rows: ['C9', 'C6', 'C7'],
    plant: () =>
      replaceMethod(Requests.prototype, 'multi', multi => {
        return function (this: Requests, steps, paths, scope) {
          const each = steps.map((step, index) => multi.call(this, [step], [paths[index]!], scope))
          return Promise.all(each).then(results => results.flat())
        }
      }),
  },
  {
    name: 'a list of children lacks one now and then',
    rows: ['C5'],
    plant: () =>
      replaceMethod(Requests.prototype, 'children', children => {
        const now = every(5)
        return function (this: Requests, path, scope) {
          return children.call(this, path, scope).then(names => (now() ? names.slice(1) : names))
        }
      }),
  },
  {
    name: 'a sequential znode is told without its number',
    rows: ['C11'],
    plant: () =>
      replaceMethod(Requests.prototype, 'create', create => {
        const numberless: typeof create = function (this: Requests, path, data, options, scope, read, content) {
          return create.call(this, path, data, options, scope, made => read({ ...made, path }), content) as never
        }
        return numberless as never
      }),
  },
  {
    name: 'the length of a value is told with its header',
    rows: ['C12'],
    plant: () =>
      replaceMethod(Requests.prototype, 'get', get => {
        const longer: typeof get = function (this: Requests, path, scope, read) {
          const told = ({ stat, ...rest }: Bytes) =>
            read({ ...rest, stat: { ...stat, dataLength: stat.dataLength + 4 } })
          return get.call(this, path, scope, told) as never
        }
        return longer as never
      }),
  },
  {
    name: 'a znode that goes is told to have changed',
    rows: ['W5'],
    plant: () =>
      replaceMethod(Watches.prototype, 'event', event => {
        return function (this: Watches, told) {
          event.call(this, told.type === 'deleted' ? { ...told, type: 'dataChanged' } : told)
        }
      }),
  },
  {
    name: 'a recursive watch hears of every third event only',
    rows: ['W6'],
    plant: () => {
      const now = every(3)
      return replaceMethod(Watches.prototype, 'event', event => {
        return function (this: Watches, told) {
          if (told.type === 'childrenChanged' || now()) event.call(this, told)
        }
      })
    },
  },
]
