/** Starts one server for a whole test run, and tells workers where it is; returns what ends it. */
declare function globalSetup(): Promise<() => Promise<void>>
export = globalSetup
