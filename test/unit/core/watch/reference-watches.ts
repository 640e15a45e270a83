/**
 * The rules of watches written down as slowly and plainly as possible: one flat list of registrations, scanned for each change.
 * The registry is held against it.
 */
import type { ClientId } from '../../../../lib/model/ids.js'
import type { RemoveWatchType, SetWatchesRequest } from '../../../../lib/model/request.js'
import type { TreeChange } from '../../../../lib/model/tree-change.js'
import type { WatchEvent, WatchEventType } from '../../../../lib/model/watch-event.js'
import { compareZxid, type Zxid } from '../../../../lib/model/zxid.js'

export type Kind = 'data' | 'children' | 'persistent' | 'persistentRecursive'
interface Registration {
  readonly client: ClientId
  readonly path: string
  readonly kind: Kind
}
export type Told = [ClientId, WatchEvent]
type Seen = { mzxid: Zxid; pzxid: Zxid; czxid: Zxid } | undefined

export class ReferenceWatches {
  registrations: Registration[] = []

  add(client: ClientId, path: string, kind: Kind): void {
    if (!this.registrations.some(r => r.client === client && r.path === path && r.kind === kind)) {
      this.registrations.push({ client, path, kind })
    }
  }

  remove(client: ClientId, path: string, type: RemoveWatchType): boolean {
    return this.#drop(r => r.client === client && r.path === path && (type === 'any' || r.kind === type))
  }

  dropClient(client: ClientId): void {
    this.#drop(r => r.client === client)
  }

  /** One list of events for each trigger, in order; within a trigger the order of clients is free. */
  fire(change: TreeChange, zxid: Zxid, mayRead: (client: ClientId, path: string) => boolean): Told[][] {
    const { path, type } = change
    const parent = path === '/' ? undefined : path.split('/').slice(0, -1).join('/') || '/'
    const groups: Told[][] = []
    const tell = (event: WatchEventType, at: string, hears: (r: Registration) => boolean, except: Set<ClientId>) => {
      const clients = new Set(this.registrations.filter(hears).map(r => r.client))
      const told = [...clients].filter(client => !except.has(client) && mayRead(client, at))
      groups.push(told.map(client => [client, { type: event, path: at, zxid }]))
      return clients
    }
    const hearsNode = (r: Registration) =>
      (r.path === path && (r.kind === 'data' || r.kind === 'persistent')) ||
      (r.kind === 'persistentRecursive' && (r.path === path || r.path === '/' || path.startsWith(`${r.path}/`)))
    const first = tell(type, path, hearsNode, new Set())
    this.#drop(r => r.path === path && r.kind === 'data')
    if (type === 'deleted') {
      tell('deleted', path, r => r.path === path && r.kind === 'children', first)
      this.#drop(r => r.path === path && r.kind === 'children')
    }
    if (type !== 'dataChanged' && parent !== undefined) {
      const hears = (r: Registration) => r.path === parent && (r.kind === 'children' || r.kind === 'persistent')
      tell('childrenChanged', parent, hears, new Set())
      this.#drop(r => r.path === parent && r.kind === 'children')
    }
    return groups
  }

  restore(client: ClientId, request: SetWatchesRequest, look: (path: string) => Seen): Told[] {
    const events: Told[] = []
    const lists: [readonly string[], Kind, (seen: Seen) => WatchEventType | undefined][] = [
      [
        request.data,
        'data',
        s => (!s ? 'deleted' : compareZxid(s.mzxid, request.since) > 0 ? 'dataChanged' : undefined),
      ],
      [request.exist, 'data', s => (s ? 'created' : undefined)],
      [
        request.child,
        'children',
        s => (!s ? 'deleted' : compareZxid(s.pzxid, request.since) > 0 ? 'childrenChanged' : undefined),
      ],
      [request.persistent, 'persistent', () => undefined],
      [request.persistentRecursive, 'persistentRecursive', () => undefined],
    ]
    for (const [paths, kind, judge] of lists) {
      for (const path of paths) {
        const type = judge(look(path))
        if (type === undefined) this.add(client, path, kind)
        else events.push([client, { type, path, zxid: undefined }])
      }
    }
    return events
  }

  #drop(gone: (r: Registration) => boolean): boolean {
    const before = this.registrations.length
    this.registrations = this.registrations.filter(r => !gone(r))
    return this.registrations.length < before
  }
}
