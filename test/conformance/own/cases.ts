/**
 * Cases that OTP does not have, because its processes cannot hang, leak into each other or hold the machine. Each is a test of that name
 * in the file that is named with it.
 */
export interface OwnCase {
  readonly name: string
  readonly group: string
  readonly file: string
  readonly on: 'the pure machine' | 'one tier' | 'both tiers'
  readonly note?: string
}

const both = (group: string, file: string, names: readonly string[]): OwnCase[] =>
  names.map((name) => ({ name, group, file, on: 'both tiers' }))

export const ownCases: readonly OwnCase[] = [
  ...both('memory', 'own/out-of-memory', [
    'thread_map_growth_does_not_kill_supervisor',
    'thread_json_parse_120mb_does_not_kill_supervisor',
  ]),
  ...both('memory', 'own/memory', ['buffers_over_soft_limit_are_killed_with_cause_memory', 'wasm_memory_counts']),
  {
    name: 'group_of_grandchildren_counts',
    group: 'memory',
    file: 'own/memory',
    on: 'one tier',
    note: 'who starts processes has a cell of its own',
  },
  {
    name: 'limit_poll_is_serialised',
    group: 'memory',
    file: 'own/memory',
    on: 'one tier',
    note: 'only shared cells poll threads',
  },
  {
    name: 'innocent_sibling_on_lost_host_keeps_budget',
    group: 'memory',
    file: 'own/memory',
    on: 'one tier',
    note: 'a cell of its own has no siblings',
  },
  {
    name: 'max_old_space_flag_on_supervisor_is_refused',
    group: 'memory',
    file: '../../packages/supervisor/src/isolation/node-options',
    on: 'the pure machine',
    note: 'a matter of the supervisor alone',
  },
  {
    name: 'thread_blocked_in_fifo_open_is_recovered_by_host_recycle',
    group: 'kill',
    file: 'own/kill',
    on: 'one tier',
    note: 'opening files takes a permission, and so a cell of its own',
  },
  ...both('kill', 'own/kill', [
    'supervisor_exit_never_waits_for_wedged_thread',
    'stop_during_backoff_is_immediate',
    'kill_during_start',
    'double_stop_idempotent',
    'stop_deadline_total_is_bounded',
  ]),
  {
    name: 'grandchildren_die_with_agent',
    group: 'kill',
    file: 'own/kill',
    on: 'one tier',
    note: 'starting processes takes a permission, and so a cell of its own',
  },
  {
    name: 'agent_dies_when_supervisor_is_SIGKILLed',
    group: 'kill',
    file: 'own/kill',
    on: 'one tier',
    note: 'it is the cell that dies',
  },
  ...both('isolation', 'own/isolation', [
    'close_all_fds',
    'kill_own_pid',
    'set_v8_flags',
    'native_segfault',
    'unhandled_rejection',
    'exit_in_exit_hook',
  ]),
  ...both('messages', 'own/messages', [
    'late_message_of_old_incarnation_dropped',
    'pending_calls_settle_on_exit_with_cause',
    'inbox_full_rejects_sender_without_failing_sender',
    'flood_does_not_grow_supervisor_rss',
    'slow_subscriber_does_not_delay_bus',
    'DOWN_exactly_once',
    'monitor_of_dead_gives_noproc',
  ]),
  ...['backoff_schedule_exact', 'backoff_resets_after_stable'].map(
    (name): OwnCase => ({
      name,
      group: 'restart',
      file: 'own/restart',
      on: 'the pure machine',
      note: 'on a virtual clock',
    }),
  ),
  ...both('restart', 'own/restarts-of-isolates', [
    'crash_after_ready_counts',
    'crash_1100ms_after_start_counts',
    'bootstrap_failure_not_sticky',
    'crash_loop_is_logged_each_time',
  ]),
  {
    name: 'escalation_reaches_root',
    group: 'restart',
    file: 'isolates/groups',
    on: 'both tiers',
    note: 'the root parks and tells it, and does not exit',
  },
  ...both('liveness', 'own/liveness', [
    'silent_agent_detected',
    'agent_with_declared_wait_not_killed',
    'ELU_1_for_n_s',
  ]),
]
