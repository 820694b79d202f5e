import { expect, test } from './fixtures.mjs'

test.describe('a doctor', () => {
  test.use({ persona: 'gp-two-offices' })

  test('logs in without a page', async ({ page, application }) => {
    await page.goto(application.url)
    await page.getByRole('link', { name: 'Log in' }).click()
    await expect(page.getByRole('heading')).toHaveText('FLITTIG BLEKKSPRUT')
    await expect(page.getByText('Level 4')).toBeVisible()
  })

  test('logs out, and is not logged in any more', async ({ page, application, helseid }) => {
    await page.goto(`${application.url}/login`)
    await expect(page.getByRole('heading')).toHaveText('FLITTIG BLEKKSPRUT')
    expect((await helseid.control.call('GET', '/sessions')).items).toHaveLength(1)
    await page.getByRole('link', { name: 'Log out' }).click()
    await expect(page.getByText('Nobody is logged in.')).toBeVisible()
    expect((await helseid.control.call('GET', '/sessions')).items).toHaveLength(0)
  })

  test('cancels, and the application says so', async ({ page, application, helseid }) => {
    await helseid.nextLogin({ outcome: 'access_denied' })
    await page.goto(`${application.url}/login`)
    await expect(page.getByRole('alert')).toHaveText('You are not logged in: access_denied')
    await page.getByRole('link', { name: 'Log in' }).click()
    await expect(page.getByRole('heading')).toHaveText('FLITTIG BLEKKSPRUT')
  })

  test('is not logged in by an ID token of another issuer', async ({ page, application, helseid }) => {
    await helseid.fault({ match: { endpoint: 'token' }, times: 1, effect: { id_token: 'wrong_issuer' } })
    await page.goto(`${application.url}/login`)
    await expect(page.getByRole('alert')).toContainText('You are not logged in')
  })
})

test('two people work at the same time', async ({ application, newPerson }) => {
  const people = await Promise.all([newPerson('gp-two-offices'), newPerson('nurse-level-3')])
  await Promise.all(people.map((page) => page.goto(`${application.url}/login`)))
  const [doctor, nurse] = people
  await expect(doctor.getByText('Level 4')).toBeVisible()
  await expect(nurse.getByText('Level 3')).toBeVisible()
  await nurse.getByRole('link', { name: 'Log out' }).click()
  await expect(nurse.getByText('Nobody is logged in.')).toBeVisible()
  await doctor.reload()
  await expect(doctor.getByRole('heading')).toHaveText('FLITTIG BLEKKSPRUT')
})

test('a person of this test alone', async ({ page, application, helseid, loginAs }) => {
  const person = await helseid.persona('midwife', { given_name: 'ANNE', family_name: 'PRØVE' })
  await loginAs(person)
  await page.goto(`${application.url}/login`)
  await expect(page.getByRole('heading')).toHaveText('ANNE PRØVE')
})
