/** The path of the parent; undefined for the root. Paths here are valid already. */
export function parentOf(path: string): string | undefined {
  const slash = path.lastIndexOf('/')
  if (slash > 0) return path.slice(0, slash)
  return path.length > 1 ? '/' : undefined
}
