import { readFileSync } from 'node:fs'
import { spawn } from 'node:child_process'
export const past = [readFileSync, spawn]
