/**
 * Calls that take several requests: creating with parents, upsert, read-modify-write, deleting and walking a subtree.
 *
 * Always holds: all steps of a call share its deadline and signal, so every loop ends; no step relies on what an earlier one
 * saw: each may be refused because others change the tree meanwhile, and the call then looks again. None is atomic.
 * Before: client.ts. After: requests.ts.
 */
import { type ErrorCode, hasCode, ZooKeeperError } from '../model/errors.js'
import { joinPath } from '../model/path.js'
import type { Bytes, Requests } from './requests.js'
import type { CallScope } from './session.js'
import type { Stat } from './stat.js'
import type { Created, CreateStepOptions } from './transaction.js'

const DELETES_AT_ONCE = 100

/** Creates, with every missing ancestor as a persistent znode without data and with the same ACL. */
export async function createWithParents(
  requests: Requests,
  path: string,
  data: Uint8Array | null,
  options: CreateStepOptions,
  scope: CallScope,
): Promise<string> {
  for (;;) {
    const created = await except('NO_NODE', requests.create(path, data, options, scope, finalPath))
    if (created !== undefined) return created
    for (const ancestor of ancestors(requests.serverPath(path))) {
      const created = requests.whole.create(ancestor, null, { acl: options.acl }, scope, finalPath)
      // An ancestor may be deleted again before its child is created: then the outer loop begins anew.
      if ((await except('NO_NODE', except('NODE_EXISTS', created, true))) === undefined) break
    }
  }
}

/** Sets, or creates if there is no such znode. */
export async function upsert(
  requests: Requests,
  path: string,
  data: Uint8Array | null,
  scope: CallScope,
): Promise<Stat> {
  for (;;) {
    const stat = await except('NO_NODE', requests.set(path, data, undefined, scope))
    if (stat !== undefined) return stat
    const created = await except(
      'NODE_EXISTS',
      requests.create(path, data, {}, scope, made => made.stat),
    )
    if (created !== undefined) return created
  }
}

/** Reads, lets `change` make the new data, and sets it if nobody was faster; else again. */
export async function update(
  requests: Requests,
  path: string,
  change: (current: Bytes) => Promise<Uint8Array | null>,
  scope: CallScope,
): Promise<Stat> {
  for (;;) {
    const current = await requests.get(path, scope, same)
    const { version } = current.stat
    // −1 means "any" in a request: a set would overwrite whatever is there.
    if (version === -1) throw new ZooKeeperError('BAD_VERSION', `${path} cannot be updated by version`, { path })
    const stat = await except('BAD_VERSION', requests.set(path, await change(current), version, scope))
    if (stat !== undefined) return stat
  }
}

/** Deletes what is below, deepest first, then the znode; again if children appeared meanwhile. */
export async function deleteSubtree(
  requests: Requests,
  path: string,
  version: number | undefined,
  scope: CallScope,
): Promise<void> {
  if (version !== undefined && version !== -1) {
    const { stat } = await requests.get(path, scope, same)
    if (stat.version !== version) throw new ZooKeeperError('BAD_VERSION', `delete ${path}`, { path })
  }
  for (;;) {
    const deleted = except(
      'NOT_EMPTY',
      requests.delete(path, version, scope).then(() => true),
    )
    if ((await deleted) === true) return
    const below: string[] = []
    for await (const found of walkPaths(requests, path, scope)) if (found !== path) below.push(found)
    below.reverse()
    for (let first = 0; first < below.length; first += DELETES_AT_ONCE) {
      const some = below.slice(first, first + DELETES_AT_ONCE)
      // Sent together, they still take effect in this order.
      await Promise.all(
        some.map(found => except('NOT_EMPTY', except('NO_NODE', requests.delete(found, undefined, scope)))),
      )
    }
  }
}

/** Every znode of a subtree, parents before their children, siblings by name. One that vanishes meanwhile is left out. */
export async function* walkSubtree(
  requests: Requests,
  root: string,
  scope: () => CallScope,
): AsyncGenerator<{ readonly path: string; readonly bytes: Bytes }> {
  const ahead = [root]
  for (let path = ahead.pop(); path !== undefined; path = ahead.pop()) {
    const both = scope()
    const read = requests.get(path, both, same)
    const [bytes, children] = await Promise.all([
      path === root ? read : except('NO_NODE', read),
      except('NO_NODE', requests.children(path, both)),
    ])
    if (bytes === undefined) continue
    yield { path, bytes }
    for (const child of (children ?? []).reverse()) ahead.push(joinPath(path, child))
  }
}

async function* walkPaths(requests: Requests, root: string, scope: CallScope): AsyncGenerator<string> {
  const ahead = [root]
  for (let path = ahead.pop(); path !== undefined; path = ahead.pop()) {
    yield path
    const children = await except('NO_NODE', requests.children(path, scope))
    for (const child of (children ?? []).reverse()) ahead.push(joinPath(path, child))
  }
}

/** Undefined (or `instead`) in place of one expected refusal. */
async function except<R, I = undefined>(code: ErrorCode, call: Promise<R>, instead?: I): Promise<R | I | undefined> {
  try {
    return await call
  } catch (error) {
    if (hasCode(error, code)) return instead
    throw error
  }
}

const finalPath = (created: Created): string => created.path
const same = (bytes: Bytes): Bytes => bytes

/** From the top down, without the root and the path itself. */
function ancestors(path: string): string[] {
  const found: string[] = []
  for (let end = path.indexOf('/', 1); end > 0; end = path.indexOf('/', end + 1)) found.push(path.slice(0, end))
  return found
}
