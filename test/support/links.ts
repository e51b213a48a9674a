/** Finds broken links in Markdown documents. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/**
 * @param root the folder of the documents, such as a checkout or an unpacked tarball.
 * @returns each relative link without a target: a missing file, or a missing heading.
 */
export function deadLinks(root: string, documents: readonly string[]): string[] {
  const read = (document: string) => readFileSync(join(root, document), 'utf8')
  const leadsSomewhere = (document: string, link: string) => {
    const [path = '', anchor] = link.split('#')
    const target = path === '' ? document : join(dirname(document), path)
    return existsSync(join(root, target)) && (!anchor || anchors(read(target)).includes(anchor))
  }
  return documents.flatMap((document) =>
    [...read(document).matchAll(/\]\((?!https?:)([^)\s]+)\)/g)]
      .map(([, link = '']) => link)
      .filter((link) => !leadsSomewhere(document, link))
      .map((link) => `${document} → ${link}`),
  )
}

/** The anchors that GitHub gives to the headings of a document. */
function anchors(text: string): string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replace(/\s/g, '-'),
  )
}
