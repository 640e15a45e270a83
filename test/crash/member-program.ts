/**
 * The program of a member in one file, compiled once: a process that is killed and started hundreds of times should not compile the library each
 * time (two thirds of the CPU of a start). With the compiler that `tsx` brings along.
 */
import { rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

interface Compiler {
  buildSync(options: Readonly<Record<string, unknown>>): unknown
}

let program: string | undefined

export function memberProgram(): string {
  if (program !== undefined) return program
  const require = createRequire(import.meta.url)
  const { buildSync } = createRequire(require.resolve('tsx/package.json'))('esbuild') as Compiler
  // Below node_modules, where it finds the packages that it imports.
  const modules = dirname(dirname(require.resolve('tsx/package.json')))
  program = join(modules, '.cache', `vivarium-member-${process.pid}-${Date.now()}.mjs`)
  const entry = fileURLToPath(new URL('./member.ts', import.meta.url))
  buildSync({
    entryPoints: [entry],
    outfile: program,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'error',
  })
  process.once('exit', () => rmSync(program!, { force: true }))
  return program
}
