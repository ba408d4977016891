// What the interoperability test uses of jmap-jam, which `paths` of tsconfig.json leads here: its own declarations lead to sources with
// enums, which our compiler options refuse.
type Answer = Record<string, unknown>
interface Draft {
  $ref(path: string): unknown
}
type Drafts = Record<string, Record<string, (args: object) => Draft>>
// oxlint-disable-next-line no-default-export -- as the package exports it
export default class JamClient {
  static loadSession(sessionUrl: string, authHeader: string): Promise<unknown>
  authHeader: string
  session: Promise<unknown>
  constructor(config: { bearerToken: string; sessionUrl: string })
  getPrimaryAccount(): Promise<string>
  request(call: readonly [method: string, args: object]): Promise<[Answer]>
  requestMany(drafts: (t: Drafts) => Record<string, Draft>): Promise<[Record<string, Answer>]>
  uploadBlob(accountId: string, body: Blob): Promise<{ blobId: string; size: number }>
  downloadBlob(options: {
    accountId: string
    blobId: string
    mimeType: string
    fileName: string
  }): Promise<Response>
}
