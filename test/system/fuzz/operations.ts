/**
 * Compares answers with the OpenAPI document: the status, the type and the body, which ajv validates.
 */
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import type { OpenAPIV3_1 } from 'openapi-types'

type Schema = OpenAPIV3_1.SchemaObject & { properties?: Record<string, Schema> }

export interface Operation {
  method: string
  /** `/api/sessions/{id}` */
  path: string
  parameters: { name: string; in: string; schema: Schema }[]
  /** The schema of a body, by type. */
  bodies: Record<string, Schema>
  /** How an answer differs from the document; empty when it does not. */
  complaints(answer: Answer): string[]
}

export interface Answer {
  status: number
  headers: Record<string, string | string[] | undefined>
  /** Null for a stream, which is not read to its end, and for HEAD, which has none. */
  body: string | null
}

export function operationsOf(document: OpenAPIV3_1.Document): Operation[] {
  const ajv = new Ajv2020({ strict: false, allErrors: true })
  addFormats.default(ajv)
  ajv.addSchema(document, 'document')
  const compile = (pointer: string[]) => {
    const path = pointer.map((part) => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1')))
    return ajv.compile({ $ref: `document#/${path.join('/')}` })
  }
  return Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
    Object.entries(item ?? {}).map(([method, given]) => {
      const operation = given as OpenAPIV3_1.OperationObject
      const requestBody = operation.requestBody as OpenAPIV3_1.RequestBodyObject | undefined
      return {
        method: method.toUpperCase(),
        path,
        parameters: (operation.parameters ?? []) as Operation['parameters'],
        bodies: Object.fromEntries(
          Object.entries(requestBody?.content ?? {}).map(([type, { schema }]) => [type, schema as Schema]),
        ),
        complaints: judge(document, ['paths', path, method, 'responses'], operation.responses ?? {}, compile),
      }
    }),
  )
}

/** The names of headers that every answer has. */
const requiredOf = (headers: NonNullable<OpenAPIV3_1.ResponseObject['headers']>) =>
  Object.entries(headers)
    .filter(([, header]) => !('required' in header && header.required === false))
    .map(([name]) => name)

function judge(
  document: OpenAPIV3_1.Document,
  at: string[],
  responses: OpenAPIV3_1.ResponsesObject,
  compile: (pointer: string[]) => ValidateFunction,
): Operation['complaints'] {
  const validators = new Map<string, ValidateFunction>()
  const allowed = Object.fromEntries(
    Object.entries(responses).map(([status, given]) => {
      const name = '$ref' in given ? (given.$ref as string).split('/').at(-1) : undefined
      const pointer = name ? ['components', 'responses', name] : [...at, status]
      const response = name ? document.components?.responses?.[name] : given
      const { content = {}, headers = {} } = response as OpenAPIV3_1.ResponseObject
      for (const type of Object.keys(content))
        validators.set(`${status} ${type}`, compile([...pointer, 'content', type, 'schema']))
      return [status, { types: Object.keys(content), headers: requiredOf(headers) }]
    }),
  )
  return ({ status, headers, body }) => {
    const response = allowed[status]
    if (!response) return [`the document names no ${status}`]
    const complaints = response.headers
      .filter((name) => headers[name] === undefined && name !== 'www-authenticate')
      .map((name) => `${status} lacks the header ${name}`)
    const type = String(headers['content-type'] ?? '').split(';')[0] ?? ''
    if (response.types.length === 0)
      return body ? [...complaints, 'a body that the document does not have'] : complaints
    const validate = validators.get(`${status} ${type}`)
    if (!validate) return [...complaints, `the document names no ${type} for ${status}`]
    // A stream, or the answer to HEAD.
    if (body === null) return complaints
    const value = type.endsWith('json') ? JSON.parse(body) : body
    if (validate(value)) return complaints
    return [...complaints, `its body: ${JSON.stringify(validate.errors?.slice(0, 3))}`]
  }
}
