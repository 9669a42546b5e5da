/** Answers when it was entered, on the clock that all processes of one machine share. */
export default function run(): string {
  return process.hrtime.bigint().toString()
}
