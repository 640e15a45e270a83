/**
 * What README.md and docs/testing.md show is what there is. Each ```js block is marked in the line before it: `<!-- file: examples/config-subscription.ts -->` is that file,
 * to the letter; `<!-- run -->` is run by itself, as the plain JavaScript it is, where 'vivarium' is the built package.
 * A block that is neither must be marked `<!-- shape -->`: it shows the form of a call and is not a whole program.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { builtFile, root } from './built.js'
import { freeBasePort } from './free-ports.js'
import { programsOf } from './markdown.js'
import { RunningProgram } from './running-program.js'

const LINES_OF_FIRST_PROGRAM_MAX = 15

for (const page of ['README.md', 'docs/testing.md']) describePage(page)

function describePage(page: string): void {
  describe(page, function () {
    this.timeout(60_000)
    const programs = programsOf(readFileSync(join(root, page), 'utf8'))
    // Inside the package, so that 'vivarium' resolves to it by its own name, as it does in an application.
    const folder = join(root, 'dist', page.replaceAll(/\W/g, '-'))

    before(() => {
      builtFile('lib', 'index.js')
      mkdirSync(folder, { recursive: true })
    })
    after(() => rmSync(folder, { recursive: true, force: true }))

    it('marks every program', () => {
      expect(programs).to.not.be.empty
      const kinds = ['file', 'run', 'shape']
      expect(
        programs.filter(({ marks }) => !kinds.some(kind => marks.has(kind))).map(({ text }) => text),
      ).to.deep.equal([])
    })

    if (page === 'README.md')
      it('begins with a whole program in at most 15 lines', () => {
        const [first] = programs
        expect(first?.marks.get('file')).to.equal('examples/single-peer.ts')
        expect(first?.text.split('\n').length).to.be.at.most(LINES_OF_FIRST_PROGRAM_MAX)
      })

    for (const [index, { text, marks }] of programs.entries()) {
      const file = marks.get('file')
      if (file !== undefined) {
        it(`shows ${file} as it is`, () => expect(text).to.equal(readFileSync(join(root, file), 'utf8')))
      }
      if (file === undefined && !marks.has('run')) continue
      it(`runs program ${index + 1} (${file ?? text.slice(0, text.indexOf('\n'))}) as plain JavaScript`, async () => {
        const written = join(folder, `program-${index + 1}.mjs`)
        writeFileSync(written, text)
        const args = text.includes('basePort') ? [String(await freeBasePort(3))] : []
        const program = new RunningProgram(process.execPath, [written, ...args], { cwd: folder })
        try {
          expect(await program.ended, program.lines.join('\n')).to.deep.equal({ code: 0, signal: null })
          expect(program.lines).to.not.be.empty
        } finally {
          await program.kill()
        }
      })
    }
  })
}
