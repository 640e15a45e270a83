import { expect } from 'chai'
import fc from 'fast-check'
import { WatchRegistry } from '../../../../lib/core/watch/watch-registry.js'
import type { ClientId } from '../../../../lib/model/ids.js'
import { InvariantViolation } from '../../../../lib/model/invariant.js'
import type { SetWatchesRequest } from '../../../../lib/model/request.js'
import type { TreeChange } from '../../../../lib/model/tree-change.js'
import { zxid } from '../../../../lib/model/zxid.js'
import { type Kind, ReferenceWatches, type Told } from './reference-watches.js'

const A = 1 as ClientId
const B = 2 as ClientId
const Z = zxid(1, 7)

/** A registry that writes down what it tells, as 'client type path'. */
function listening() {
  const told: Told[] = []
  const registry = new WatchRegistry((client, event) => told.push([client, event]))
  const heard = () => told.splice(0).map(([client, { type, path }]) => `${client} ${type} ${path}`)
  const fire = (type: TreeChange['type'], path: string) => {
    registry.fire([{ type, path }], Z)
    return heard()
  }
  return { registry, told, heard, fire }
}

function setWatches(request: Partial<SetWatchesRequest>): SetWatchesRequest {
  const none = { data: [], exist: [], child: [], persistent: [], persistentRecursive: [] }
  return { kind: 'setWatches', since: Z, ...none, ...request }
}

describe('watch registry', () => {
  it('W3: a standard watch tells once, however often it was registered', () => {
    const { registry, fire } = listening()
    registry.forClient(A).watchData('/a')
    registry.forClient(A).watchExist('/a')
    expect(registry.size).to.equal(1)
    expect(fire('dataChanged', '/a')).to.deep.equal(['1 dataChanged /a'])
    expect(fire('dataChanged', '/a')).to.deep.equal([])
    expect(registry.size).to.equal(0)
  })

  it('gives events the zxid of their txn', () => {
    const { registry, told } = listening()
    registry.forClient(A).watchExist('/a')
    registry.fire([{ type: 'created', path: '/a' }], Z)
    expect(told).to.deep.equal([[A, { type: 'created', path: '/a', zxid: Z }]])
  })

  it('W5: a data watch hears nothing of children, a child watch nothing of data', () => {
    const { registry, fire } = listening()
    registry.forClient(A).watchData('/a')
    registry.forClient(B).watchChild('/a')
    expect(fire('created', '/a/b')).to.deep.equal(['2 childrenChanged /a'])
    registry.forClient(B).watchChild('/a')
    expect(fire('dataChanged', '/a')).to.deep.equal(['1 dataChanged /a'])
  })

  it('W2: tells of the znode through data, then child, then of the parent', () => {
    const { registry, fire } = listening()
    registry.forClient(3 as ClientId).watchChild('/a')
    registry.forClient(B).watchChild('/a/b')
    registry.forClient(A).watchData('/a/b')
    expect(fire('deleted', '/a/b')).to.deep.equal(['1 deleted /a/b', '2 deleted /a/b', '3 childrenChanged /a'])
  })

  it('tells a client one deletion that it sees through data and child watch at once, and uses up both', () => {
    const { registry, fire } = listening()
    registry.forClient(A).watchData('/a')
    registry.forClient(A).watchChild('/a')
    registry.forClient(A).addPersistent('/a', 'persistent')
    registry.forClient(A).addPersistent('/', 'persistentRecursive')
    expect(fire('deleted', '/a')).to.deep.equal(['1 deleted /a'])
    expect(registry.size).to.equal(2)
  })

  it('W6: a persistent watch stays and hears of children; a recursive one hears of all below but never childrenChanged', () => {
    const { registry, fire } = listening()
    registry.forClient(A).addPersistent('/a', 'persistent')
    registry.forClient(B).addPersistent('/a', 'persistentRecursive')
    for (let round = 0; round < 2; round += 1) {
      expect(fire('created', '/a/b')).to.deep.equal(['2 created /a/b', '1 childrenChanged /a'])
      expect(fire('dataChanged', '/a/b/c')).to.deep.equal(['2 dataChanged /a/b/c'])
      expect(fire('deleted', '/a')).to.deep.equal(['1 deleted /a', '2 deleted /a'])
      expect(fire('created', '/ab')).to.deep.equal([])
    }
  })

  it('W6: several modes on one path do not disturb each other, and give one event', () => {
    const { registry, fire } = listening()
    const watches = registry.forClient(A)
    watches.watchChild('/a')
    watches.addPersistent('/a', 'persistentRecursive')
    expect(fire('created', '/a/b')).to.deep.equal(['1 created /a/b', '1 childrenChanged /a'])
    expect(fire('created', '/a/c')).to.deep.equal(['1 created /a/c'])
    watches.addPersistent('/a', 'persistent')
    watches.watchData('/a')
    expect(fire('dataChanged', '/a')).to.deep.equal(['1 dataChanged /a'])
    expect(fire('dataChanged', '/a')).to.deep.equal(['1 dataChanged /a'])
  })

  it('treats the root as parent and as an ancestor, and gives it no parent', () => {
    const { registry, fire } = listening()
    registry.forClient(A).watchChild('/')
    registry.forClient(B).addPersistent('/', 'persistentRecursive')
    expect(fire('created', '/a')).to.deep.equal(['2 created /a', '1 childrenChanged /'])
    expect(fire('dataChanged', '/')).to.deep.equal(['2 dataChanged /'])
  })

  it('W7: tells only those who may read, and uses the standard watch up all the same', () => {
    const { registry, heard } = listening()
    for (const client of [A, B]) {
      registry.forClient(client).watchExist('/a/b')
      registry.forClient(client).watchChild('/a')
    }
    const asked: string[] = []
    const change: TreeChange = { type: 'created', path: '/a/b' }
    registry.fire([change], Z, (client, path, cause) => {
      expect(cause).to.equal(change)
      asked.push(`${client} ${path}`)
      return client === B || path === '/a'
    })
    expect(asked).to.deep.equal(['1 /a/b', '2 /a/b', '1 /a', '2 /a'])
    expect(heard()).to.deep.equal(['2 created /a/b', '1 childrenChanged /a', '2 childrenChanged /a'])
    expect(registry.size).to.equal(0)
  })

  it('W8: removing one kind leaves the others and other clients', () => {
    const { registry, fire } = listening()
    const watches = registry.forClient(A)
    watches.watchData('/a')
    watches.watchChild('/a')
    watches.addPersistent('/a', 'persistent')
    registry.forClient(B).watchData('/a')
    expect(watches.remove('/a', 'persistentRecursive')).to.equal(false)
    expect(watches.remove('/a', 'persistent')).to.equal(true)
    expect(watches.remove('/a', 'data')).to.equal(true)
    expect(watches.remove('/a', 'data')).to.equal(false)
    expect(fire('created', '/a/b')).to.deep.equal(['1 childrenChanged /a'])
    expect(fire('deleted', '/a')).to.deep.equal(['2 deleted /a'])
    watches.watchData('/a')
    watches.addPersistent('/a', 'persistentRecursive')
    expect(watches.remove('/a', 'any')).to.equal(true)
    expect(watches.remove('/a', 'any')).to.equal(false)
    expect(registry.size).to.equal(0)
  })

  it('W9: forgets a client that left, and lets its view register nothing more', () => {
    const { registry, fire } = listening()
    const watches = registry.forClient(A)
    watches.watchData('/a')
    watches.addPersistent('/', 'persistentRecursive')
    registry.forClient(B).watchData('/a')
    expect(registry.count(A)).to.equal(2)
    registry.dropClient(A)
    registry.dropClient(A)
    expect(registry.count(A)).to.equal(0)
    expect(registry.size).to.equal(1)
    expect(() => watches.watchData('/a')).to.throw(InvariantViolation)
    expect(fire('deleted', '/a')).to.deep.equal(['2 deleted /a'])
  })
})

describe('setWatches', () => {
  const present = (m: number, p: number) => ({ czxid: zxid(1, 1), mzxid: zxid(1, m), pzxid: zxid(1, p) })
  const cases: [
    list: keyof SetWatchesRequest,
    seen: ReturnType<typeof present> | undefined,
    event: string | undefined,
  ][] = [
    ['data', undefined, 'deleted'],
    ['data', present(8, 1), 'dataChanged'],
    ['data', present(7, 9), undefined],
    ['exist', undefined, undefined],
    ['exist', present(1, 1), 'created'],
    ['child', undefined, 'deleted'],
    ['child', present(1, 8), 'childrenChanged'],
    ['child', present(9, 7), undefined],
    ['persistent', undefined, undefined],
    ['persistent', present(9, 9), undefined],
    ['persistentRecursive', undefined, undefined],
    ['persistentRecursive', present(9, 9), undefined],
  ]
  for (const [list, seen, event] of cases) {
    const state = seen ? `mzxid ${seen.mzxid.counter}, pzxid ${seen.pzxid.counter}` : 'missing'
    it(`W4: ${list}, znode ${state}, last seen 7: ${event ?? 'stands again'}`, () => {
      const { registry, told } = listening()
      registry.forClient(A).restore(setWatches({ [list]: ['/a'] }), () => seen)
      expect(told).to.deep.equal(event ? [[A, { type: event, path: '/a', zxid: undefined }]] : [])
      expect(registry.size).to.equal(event ? 0 : 1)
    })
  }

  it('goes through the lists in order', () => {
    const { registry, heard } = listening()
    registry
      .forClient(A)
      .restore(setWatches({ child: ['/c'], exist: ['/e'], data: ['/d2', '/d1'] }), () => present(9, 9))
    expect(heard()).to.deep.equal(['1 dataChanged /d2', '1 dataChanged /d1', '1 created /e', '1 childrenChanged /c'])
  })
})

describe('watch registry against the plain rules', () => {
  const path = fc.constantFrom('/', '/a', '/b', '/a/x', '/a/y', '/ab', '/a/x/1', '/a/x/1/2')
  const client = fc.constantFrom(1, 2, 3) as fc.Arbitrary<ClientId>
  const kind = fc.constantFrom<Kind>('data', 'children', 'persistent', 'persistentRecursive')
  const type = fc.constantFrom<TreeChange['type']>('created', 'deleted', 'dataChanged')
  const paths = fc.array(path, { maxLength: 3 })
  const stat = fc.option(fc.tuple(fc.nat(14), fc.nat(14)), { nil: undefined })
  const add = fc.record({ what: fc.constant('add' as const), client, path, kind })
  const step = fc.oneof(
    { weight: 4, arbitrary: add },
    {
      weight: 4,
      arbitrary: fc.record({
        what: fc.constant('fire' as const),
        changes: fc.array(fc.record({ type, path }), { minLength: 1, maxLength: 3 }),
        blind: fc.option(client, { nil: undefined }),
        hidden: path,
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        what: fc.constant('remove' as const),
        client,
        path,
        kind: fc.oneof(kind, fc.constant('any' as const)),
      }),
    },
    { weight: 1, arbitrary: fc.record({ what: fc.constant('drop' as const), client }) },
    {
      weight: 1,
      arbitrary: fc.record({
        what: fc.constant('restore' as const),
        client,
        lists: fc.record({ data: paths, exist: paths, child: paths, persistent: paths, persistentRecursive: paths }),
        seed: fc.array(stat, { minLength: 8, maxLength: 8 }),
      }),
    },
  )
  const all = ['/', '/a', '/b', '/a/x', '/a/y', '/ab', '/a/x/1', '/a/x/1/2']

  it('W3, W5, W6, W7, W8, W9: tells the same clients the same events in the same order, and keeps the same registrations', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), steps => {
        const { registry, told } = listening()
        const reference = new ReferenceWatches()
        const byClient = (a: Told, b: Told) => a[0] - b[0]
        for (const s of steps) {
          if (s.what === 'add') {
            const watches = registry.forClient(s.client)
            if (s.kind === 'data') watches.watchData(s.path)
            else if (s.kind === 'children') watches.watchChild(s.path)
            else watches.addPersistent(s.path, s.kind)
            reference.add(s.client, s.path, s.kind)
          } else if (s.what === 'remove') {
            expect(registry.forClient(s.client).remove(s.path, s.kind)).to.equal(
              reference.remove(s.client, s.path, s.kind),
            )
          } else if (s.what === 'drop') {
            registry.dropClient(s.client)
            reference.dropClient(s.client)
          } else if (s.what === 'restore') {
            const look = (at: string) => {
              const found = s.seed[all.indexOf(at)]
              return found && { czxid: zxid(1, 0), mzxid: zxid(1, found[0]), pzxid: zxid(1, found[1]) }
            }
            registry.forClient(s.client).restore(setWatches(s.lists), look)
            expect(told.splice(0)).to.deep.equal(reference.restore(s.client, setWatches(s.lists), look))
          } else {
            const mayRead = (who: ClientId, at: string) => who !== s.blind || at !== s.hidden
            registry.fire(s.changes, Z, mayRead)
            for (const change of s.changes) {
              for (const group of reference.fire(change, Z, mayRead)) {
                expect(told.splice(0, group.length).sort(byClient)).to.deep.equal(group.sort(byClient))
              }
            }
            expect(told).to.deep.equal([])
          }
          expect(registry.size).to.equal(reference.registrations.length)
          for (const who of [1, 2, 3] as ClientId[]) {
            expect(registry.count(who)).to.equal(reference.registrations.filter(r => r.client === who).length)
          }
        }
      }),
      { numRuns: 300 },
    )
  })
})
