/**
 * Paths of znodes: the grammar, and cutting a path into parent and name. A path is judged as UTF-16 code units, as in Java.
 * `parentOf` and `nameOf` take any text with a slash, valid or not: the server looks for the parent before it judges the path
 * (`/a//b` has the parent `/a/`, which no znode has). ZooKeeper: PathUtils.validatePath.
 */

const SLASH = 0x2f
const DOT = 0x2e

/** Why `path` is not the path of a znode; undefined if it is. */
export function validatePath(path: string): string | undefined {
  const length = path.length
  if (length === 0) return 'a path is not empty'
  if (path.charCodeAt(0) !== SLASH) return 'a path starts with /'
  if (length === 1) return undefined
  let start = 1
  for (let at = 1; at <= length; at += 1) {
    const unit = at === length ? SLASH : path.charCodeAt(at)
    if (unit === SLASH) {
      const size = at - start
      if (size === 0) return at === length ? 'a path does not end with /' : `empty name at ${at}`
      if (isRelative(path, start, size)) return `relative name at ${start}`
      start = at + 1
    } else if (isForbidden(unit)) {
      return `character U+${unit.toString(16).toUpperCase().padStart(4, '0')} at ${at}`
    }
  }
  return undefined
}

/** As `validatePath`; a sequential znode's number completes the path, so there it may end with a slash. */
export function validatePathForCreate(path: string, sequential: boolean): string | undefined {
  return validatePath(sequential ? `${path}1` : path)
}

/** The root for a path directly below it, and for the root itself. */
export function parentOf(path: string): string {
  const slash = path.lastIndexOf('/')
  return slash <= 0 ? '/' : path.slice(0, slash)
}

/** What follows the last slash; empty for the root. */
export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

export function joinPath(parent: string, name: string): string {
  return parent === '/' ? `/${name}` : `${parent}/${name}`
}

/**
 * What ZooKeeper appends to a sequential znode's path: `%010d` of the parent's stored cversion, a signed 32-bit number.
 * @example sequenceSuffix(7) // '0000000007'
 * @example sequenceSuffix(2 ** 31) // '-2147483648'
 */
export function sequenceSuffix(cversion: number): string {
  const number = cversion | 0
  return number < 0 ? `-${String(-number).padStart(9, '0')}` : String(number).padStart(10, '0')
}

/** `.` or `..` */
function isRelative(path: string, start: number, size: number): boolean {
  if (size > 2 || path.charCodeAt(start) !== DOT) return false
  return size === 1 || path.charCodeAt(start + 1) === DOT
}

/** Control characters, surrogates and private use, specials. */
function isForbidden(unit: number): boolean {
  return unit < 0x20 || (unit >= 0x7f && unit <= 0x9f) || (unit >= 0xd800 && unit <= 0xf8ff) || unit >= 0xfff0
}
