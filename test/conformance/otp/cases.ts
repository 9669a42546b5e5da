/**
 * The cases of OTP's own supervisor suite (lib/stdlib/test/supervisor_SUITE.erl), in its order. Each that is not skipped is a
 * test of that name in this folder.
 */
export interface Case {
  readonly name: string
  readonly group: string
  /** `as is`: ported as it stands. */
  readonly port: 'as is' | 'adapted' | 'skipped'
  /** What is adapted, or why it is skipped. */
  readonly note?: string
}

const groups: Readonly<Record<string, readonly (string | readonly [string, string])[]>> = {
  start: [
    'sup_start_normal',
    'sup_start_ignore_init',
    'sup_start_ignore_child',
    'sup_start_ignore_temporary_child',
    'sup_start_ignore_temporary_child_start_child',
    'sup_start_ignore_temporary_child_start_child_simple',
    'sup_start_ignore_permanent_child_start_child_simple',
    'sup_start_error_return',
    'sup_start_fail',
    'sup_start_child_returns_error',
    'sup_start_restart_child_returns_error',
    'sup_start_child_returns_error_simple',
  ],
  'start with maps': [
    'sup_start_map',
    'sup_start_map_simple',
    ['sup_start_map_faulty_specs', 'unknown keys are refused instead of tolerated'],
  ],
  stop: [
    'sup_stop_infinity',
    'sup_stop_timeout',
    'sup_stop_timeout_dynamic',
    'sup_stop_brutal_kill',
    'sup_stop_brutal_kill_dynamic',
    'sup_stop_race',
    'sup_stop_non_shutdown_exit_dynamic',
  ],
  requests: [
    ['child_adm', 'a supervisor is no process that could be hibernated'],
    ['child_adm_simple', 'instances are named by a number, not by a pid'],
    'extra_return',
    ['child_specs', 'there is one form of specification'],
    'child_specs_map',
    ['sup_flags', 'unknown flags are refused instead of ignored'],
    'multiple_restarts',
  ],
  'restart strategies': [
    'one_for_one',
    'one_for_one_escalation',
    'one_for_all',
    'one_for_all_escalation',
    'one_for_all_other_child_fails_restart',
    'simple_one_for_one',
    'simple_one_for_one_shutdown',
    'simple_one_for_one_extra',
    'simple_one_for_one_escalation',
    ['simple_one_for_one_corruption', 'what is kept is looked at, instead of the size of a heap'],
    'simple_one_for_one_restart_ignore',
    'rest_for_one',
    'rest_for_one_escalation',
    'rest_for_one_other_child_fails_restart',
  ],
  'termination reasons': [
    ['external_start_no_progress_log', 'no report is made at all'],
    'permanent_normal',
    'transient_normal',
    'temporary_normal',
    'permanent_shutdown',
    'transient_shutdown',
    'temporary_shutdown',
    ['faulty_application_shutdown', 'there are no applications: a supervisor that cannot begin'],
    'permanent_abnormal',
    'transient_abnormal',
    'temporary_abnormal',
  ],
  tree: [['child_unlink', 'a child that does not react to being asked'], 'tree'],
  'automatic shutdown': [
    'nonsignificant_temporary',
    'nonsignificant_transient',
    'significant_temporary',
    'significant_transient',
    'significant_simple',
    'significant_bystander',
    'significant_escalation',
    'significant_upgrade_never_any',
    'significant_upgrade_any_never',
    'significant_upgrade_never_all',
    'significant_upgrade_all_never',
    'significant_upgrade_any_all',
    'significant_upgrade_all_any',
    'significant_upgrade_child',
  ],
  'counting and memory': [
    'count_children',
    'count_children_supervisor',
    'count_restarting_children',
    ['get_callback_module', ''],
    ['do_not_save_start_parameters_for_temporary_children', 'what is kept is looked at, instead of the size of a heap'],
    'do_not_save_child_specs_for_temporary_children',
    'simple_one_for_one_scale_many_temporary_children',
    'temporary_bystander',
  ],
  robustness: [
    ['simple_global_supervisor', 'names are paths in the tree'],
    'hanging_restart_loop',
    'hanging_restart_loop_rest_for_one',
    'hanging_restart_loop_simple',
    ['code_change', 'a live change of flags and specifications'],
    ['code_change_map', 'the same; there is one form of specification'],
    ['code_change_simple', 'a live change of the kind'],
    ['code_change_simple_map', 'the same; there is one form of specification'],
  ],
  'order, scale, reports, names': [
    'order_of_children',
    'scale_start_stop_many_children',
    ['format_log_1', 'the words of our reports'],
    ['format_log_2', 'the words of our reports'],
    ['already_started_outside_supervisor', 'a start that fails because of its name'],
    'which_children',
    ['which_children_simple_one_for_one', 'instances are named by a number, not by a pid'],
  ],
}

const skipped: Readonly<Record<string, string>> = {
  get_callback_module: 'a supervisor is data here: it has no callback module',
}

export const cases: readonly Case[] = Object.entries(groups).flatMap(([group, entries]) =>
  entries.map((entry): Case => {
    const [name, note] = typeof entry === 'string' ? [entry, undefined] : entry
    const reason = skipped[name]
    if (reason !== undefined) return { name, group, port: 'skipped', note: reason }
    return note === undefined ? { name, group, port: 'as is' } : { name, group, port: 'adapted', note }
  }),
)

/** Where Vigil decides otherwise than OTP, on purpose. */
export const deviations: readonly (readonly [string, string])[] = [
  ['Unknown keys and flags are refused.', 'A typo in a specification must not be a default.'],
  [
    '`max_restarts` 3 in 60 s for an agent that stands alone and for a group; the pure core keeps 1 in 5 s.',
    'A crash in a turn is ordinary for an agent, and the turn goes on in the next life.',
  ],
  [
    'Backoff with chance before a restart, and time alive instead of time for the intensity.',
    'A crash loop over a paid API must be slow, and must not look slow because of its waits.',
  ],
  [
    'A first start that fails is tried again like a later one.',
    'Ring 0 boots unattended: a transient failure at boot must not park a fleet for the night. The pure core does as OTP unless it is told otherwise.',
  ],
  [
    'The top level starts its branches side by side, and parks the agents of one that gives up instead of ending.',
    'Agents of the top level have nothing to do with each other; an operating system does not exit because a program crashes.',
  ],
  [
    'An agent whose `restart_policy` is `never` stays listed after its end.',
    'Its state, mailbox and journal are durable, and somebody will want to look.',
  ],
  [
    'What a process cannot be charged with (its cell was lost) is restarted and not counted against its event.',
    'No one may be poisoned by a neighbour.',
  ],
  [
    'Agents that are deployed in a group keep their place over a restart of the group.',
    'In OTP children that were added live are forgotten with their supervisor; a deployed agent is durable.',
  ],
]
