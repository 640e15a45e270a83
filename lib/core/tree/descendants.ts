/**
 * How many znodes are below one. Nothing is kept for it: bounded whatever the tree is like. A small subtree is walked; a large one is summed
 * up over the znodes that have children, which are few, without touching the others.
 * Used by operations/count-descendants.ts. ZooKeeper: DataTree.getAllChildrenNumber.
 */
import type { DataTree } from './data-tree.js'

/** Descendants that are visited one by one. */
const WALKED_MAX = 1000

/** @param path of a znode that exists. */
export function countDescendants(tree: DataTree, path: string): number {
  if (path === '/') return tree.size - 1
  return countSmall(tree, path) ?? countLarge(tree, path)
}

function countSmall(tree: DataTree, root: string): number | undefined {
  let count = 0
  const ahead = [root]
  for (let path = ahead.pop(); path !== undefined; path = ahead.pop()) {
    const names = tree.childrenOf(path)
    count += names.size
    if (count > WALKED_MAX) return undefined
    for (const name of names) ahead.push(`${path}/${name}`)
  }
  return count
}

/** @internal */
export function countLarge(tree: DataTree, root: string): number {
  let count = tree.childCount(root)
  const prefix = `${root}/`
  for (const [path, names] of tree.parents()) if (path.startsWith(prefix)) count += names.size
  return count
}
