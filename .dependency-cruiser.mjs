/**
 * The floors of the house (docs/design/architecture.md, section 4) as rules. Each comment says why the rule stands and
 * what to do instead. Tests and fixtures are free to look everywhere.
 */
const inSource = '^(packages|apps)/[^/]+/src/'
const tests = '\\.(test|fixture)\\.ts$|/fixtures/'
const floor = (name, path, forbidden, comment) => ({
  name,
  severity: 'error',
  comment,
  from: { path, pathNot: tests },
  to: { path: forbidden },
})
const only = (name, library, places, comment) => ({
  name,
  severity: 'error',
  comment,
  from: { path: inSource, pathNot: `${tests}|${places}` },
  to: { path: library },
})
/** An installed package or its types by the folder; also by its bare name, as it stands where it is not installed. */
const vendor = (name) => `(^|node_modules/)(@types/)?${name}(/|$)`

export default {
  forbidden: [
    {
      name: 'no-circular',
      severity: 'error',
      comment: 'Two files that need each other are one file, or a third is missing that both need. Types count.',
      from: {},
      to: { circular: true },
    },
    floor(
      'floor-0-protocol',
      '^packages/protocol/src',
      '^packages/(?!protocol)|^apps/',
      'protocol is what all sides agree on, also in a browser: it may know nobody.',
    ),
    floor(
      'floor-1-journal',
      '^packages/journal/src',
      '^packages/(?!protocol|journal)|^apps/',
      'journal remembers; it may not know who acts or decides. What it needs comes as a port.',
    ),
    floor(
      'floor-1-governance',
      '^packages/governance/src',
      '^packages/(?!protocol|governance)|^apps/',
      'governance decides; it may not know who acts or remembers. What it has to look at comes with the call.',
    ),
    floor(
      'floor-1-isolate',
      '^packages/isolate/src',
      '^packages/(?!protocol|isolate)|^apps/',
      'isolate runs guests; what they say is for the supervisor. Siblings on a floor do not import each other.',
    ),
    floor(
      'floor-2-agent',
      '^packages/agent/src',
      '^packages/(?!protocol|isolate|agent)|^apps/',
      'agent runs in ring 2: nothing of ring 0 may be reachable from it.',
    ),
    floor(
      'floor-2-supervisor',
      '^packages/supervisor/src',
      '^packages/(?!protocol|journal|governance|isolate/src/host|supervisor)|^apps/',
      'supervisor starts the guest by URL and never imports agent: ring 0 runs no agent code.',
    ),
    floor(
      'floor-2-cluster',
      '^packages/cluster/src',
      '^packages/(?!protocol|journal|cluster)|^apps/',
      'cluster makes ports of the supervisor real on PostgreSQL; who uses them is not its business.',
    ),
    floor(
      'floor-3-api',
      '^packages/api/src',
      '^packages/(?!protocol|supervisor|api)|^apps/',
      'api is a face of the supervisor; go through its mouth.',
    ),
    floor(
      'cli-sees-protocol-and-journal',
      '^apps/cli/src',
      '^packages/(?!protocol|journal)|^apps/(?!cli)',
      'The command line is a client like any other: what it needs and REST lacks belongs into REST.',
    ),
    floor(
      'nothing-imports-testkit',
      '^(packages/(?!testkit)[^/]+|apps/[^/]+)/src/|^tools/(?!bench|sim)',
      '^packages/testkit',
      'testkit stands beside the house; production code that needs it hides a test inside itself.',
    ),
    {
      name: 'mouths-only',
      severity: 'error',
      comment:
        'A package is entered by its mouth (its exports); what is not there is not for others. Widen the mouth or do without.',
      from: { path: '^(packages|apps)/([^/]+)/src', pathNot: `${tests}|^packages/testkit/` },
      to: {
        path: '^packages/[^/]+/src',
        pathNot: '^packages/$2/|^packages/[^/]+/src/index\\.ts$|^packages/isolate/src/(host|guest)/index\\.ts$',
      },
    },
    {
      name: 'testkit-enters-by-mouths',
      severity: 'error',
      comment: 'testkit may also enter by internal.ts, the mouth for the house itself. Widen that, and say what for.',
      from: { path: '^packages/testkit/src', pathNot: tests },
      to: {
        path: '^packages/(?!testkit)[^/]+/src/',
        pathNot: '^packages/[^/]+/src/(index|internal)\\.ts$',
      },
    },
    {
      name: 'examples-are-users',
      severity: 'error',
      comment: 'An example shows what anyone can write: it has @vigil/agent and nothing else of the house.',
      from: { path: '^examples/', pathNot: tests },
      to: { path: '^(packages|apps)/', pathNot: '^packages/agent/src/index\\.ts$' },
    },
    {
      name: 'pure-cores',
      severity: 'error',
      comment: 'Deciding is pure: no node, no clock, no disk. Return actions and let the caller act.',
      from: { path: '^packages/(supervisor/src/(supervision|fold)/|protocol/src/|governance/src/)', pathNot: tests },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'disk-through-the-port',
      severity: 'error',
      comment: 'node:fs only where the port is made real, else a simulated disk cannot fail it. Take a FileSystem.',
      from: {
        path: '^packages/[^/]+/src/',
        pathNot: `${tests}|journal/src/(node-file-system|data-lock|socket-claim)\\.ts|isolate/src/(host/proc|hub/lent-memory)\\.ts|supervisor/src/platform/`,
      },
      to: { path: '^(node:)?fs(/promises)?$' },
    },
    {
      name: 'processes-through-the-port',
      severity: 'error',
      comment:
        'Threads and child processes only in isolate, the compute pool and the gateway: everything else is one loop that can be simulated.',
      from: { path: inSource, pathNot: `${tests}|isolate/src/|supervisor/src/(platform|gateway)/|apps/cli/` },
      to: { path: '^(node:)?(child_process|worker_threads|cluster)$' },
    },
    only(
      'croner-is-a-calculator',
      vendor('croner'),
      'triggers/cron-slots\\.ts',
      'croner objects weigh 81 KB and fire by themselves; ask cron-slots.',
    ),
    only(
      'chokidar-behind-its-port',
      vendor('chokidar'),
      'platform/file-watcher\\.ts',
      'What chokidar says is a hint that has to be settled against a scan: take a FileWatcher.',
    ),
    only(
      'bundler-behind-its-port',
      vendor('(esbuild|piscina)'),
      'platform/compute',
      'Bundling and packing hold up ring 0, so they live on a pool: take Compute.',
    ),
    only(
      'yaml-in-manifests',
      vendor('yaml'),
      'supervisor/src/manifests/',
      'YAML is read in one place, with positions.',
    ),
    only('hono-in-api', vendor('(hono|@hono/node-server)'), 'packages/api/', 'HTTP is served by api.'),
    only('commander-in-apps', vendor('commander'), '^apps/', 'Command lines belong to apps.'),
    only(
      'msgpackr-for-checkpoints',
      vendor('msgpackr'),
      'fold/(packed-row|packable)\\.ts',
      'Only checkpoint rows are packed; the log and the wire are JSON, which is quicker at their sizes and can be read.',
    ),
    only(
      'undici-behind-its-port',
      vendor('undici'),
      'supervisor/src/gateway/(egress|http-exchange|pinned-connector|model-exchange|server-http)\\.ts',
      'A request that cannot be failed or cut by a test is no effect: take an HttpClient.',
    ),
    only(
      'mcp-in-the-gateway',
      vendor('@modelcontextprotocol'),
      'supervisor/src/gateway/server-',
      'What MCP servers say is parsed in the gateway thread alone: take ToolServers.',
    ),
    only(
      'postgres-in-cluster',
      vendor('pg'),
      'packages/cluster/src/database\\.ts',
      'Connections, their deadlines and their retries are in one place: ask the Database.',
    ),
    {
      name: 'no-unresolvable',
      severity: 'error',
      comment: 'The import leads nowhere.',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    // Only our own output: most libraries have their entry in a dist, and what is excluded can break no rule.
    exclude: { path: '^(packages|apps)/[^/]+/dist/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['@vigil/source', 'import', 'node', 'default'],
      extensions: ['.ts', '.mjs', '.js', '.json'],
    },
  },
}
