/** Prisma only generates code here; the tests open their own connections. */
export default { schema: 'schema.prisma', datasource: { url: 'postgresql://nobody@127.0.0.1:1/none' } }
