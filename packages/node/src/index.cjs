'use strict'

// Starts and steers Mock HelseID STS from tests. What there is, index.d.cts says.

const { ControlError, MockStsError, StartError, VerificationError } = require('./errors.cjs')
const { ControlApi } = require('./control.cjs')
const { Helseid, TestToken, runningSts } = require('./helseid.cjs')

exports.runningSts = runningSts
exports.Helseid = Helseid
exports.TestToken = TestToken
exports.ControlApi = ControlApi
exports.MockStsError = MockStsError
exports.StartError = StartError
exports.ControlError = ControlError
exports.VerificationError = VerificationError
