'use strict'

/** What goes wrong here; the message says what to do about it. */
class MockStsError extends Error {
  constructor(message, options) {
    super(message, options)
    this.name = new.target.name
  }
}

/** No server could be started or found. `log` has its last lines. */
class StartError extends MockStsError {
  constructor(message, log = []) {
    super(withLog(message, log))
    this.log = log
  }
}

/**
 * The server refuses, or does not answer. `reason` is 'refused', 'no-answer', 'no-environment', 'older-server' or
 * 'another-server'; `status` is that of the answer, 0 for none; `problem` is its problem document (RFC 9457).
 */
class ControlError extends MockStsError {
  constructor(reason, message, { status = 0, problem = {}, log = [] } = {}) {
    super(withLog(message, log))
    this.reason = reason
    this.status = status
    this.problem = problem
    this.log = log
  }
}

/** What was verified is otherwise. `answer` is the server's. */
class VerificationError extends MockStsError {
  constructor(message, answer) {
    super(message)
    this.answer = answer
  }
}

function withLog(message, log) {
  return log.length === 0 ? message : `${message}\nThe last lines of the server's log:\n  ${log.join('\n  ')}`
}

exports.MockStsError = MockStsError
exports.StartError = StartError
exports.ControlError = ControlError
exports.VerificationError = VerificationError
