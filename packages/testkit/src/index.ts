export {
  type FakeAnswer,
  type FakeBill,
  type FakeCall,
  type FakeFailure,
  type FakeMessage,
  type FakeOpenAI,
  type FakeOpenAIOptions,
  type FakeReplies,
  type FakeReply,
  type FakeRequest,
  type FakeToolOffer,
  fakeEmbedding,
  fakeTokens,
  startFakeOpenAI,
} from './fake-openai/index.ts'
export { seededRandom } from './seeded-random.ts'
export {
  type SimulatedBoot,
  type SimulatedCellLauncherOptions,
  type SimulatedCells,
  type SimulatedPort,
  simulatedCellLauncher,
} from './simulated-cell-launcher.ts'
export { type SimulatedCompute, simulatedCompute } from './simulated-compute.ts'
export {
  type FileOperation,
  type SimulatedFileSystem,
  type SimulatedFileSystemOptions,
  simulatedFileSystem,
} from './simulated-file-system.ts'
export { type SimulatedFileWatcher, simulatedFileWatcher } from './simulated-file-watcher.ts'
export {
  type SimulatedHttpClient,
  type SimulatedReply,
  type SimulatedRoute,
  simulatedHttpClient,
} from './simulated-http-client.ts'
export {
  type BilledCall,
  type ModelScript,
  type ScriptedModel,
  type SimulatedAnswer,
  type SimulatedLanguageModel,
  type SimulatedToolCall,
  scripted,
  simulatedLanguageModel,
} from './simulated-language-model.ts'
export {
  type SimulatedServer,
  type SimulatedTool,
  type SimulatedToolServers,
  simulatedToolServers,
} from './simulated-tool-servers.ts'
export { type AgentScenario, operationFaults, type SweepOptions, sweep, type WorldScenario } from './sweep.ts'
export type { FakeTools } from './test-agent/fake-tools.ts'
export type { Fire } from './test-agent/fire.ts'
export type { InlineAgent } from './test-agent/load.ts'
export type { TestRequest } from './test-agent/requests.ts'
export { type TestAgent, type TestAgentOptions, type TestFault, testAgent } from './test-agent/test-agent.ts'
export type { TestEffect, TestTurn } from './test-agent/turn.ts'
export { type VirtualClock, virtualClock } from './virtual-clock.ts'
export {
  agent,
  crash,
  disk,
  type Fault,
  type FaultAction,
  type FaultMoment,
  forge,
  hang,
  http,
  leak,
  nth,
  ring0,
  slow,
  stepClock,
  zombie,
} from './world/faults.ts'
export { type Judgement, judge } from './world/judge.ts'
export type { WorldAgent } from './world/lives.ts'
export { type World, type WorldOptions, world } from './world/world.ts'
