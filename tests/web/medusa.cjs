// Drives Medusa's own client: what it is answered goes to standard output as JSON, a line each.
const Medusa = require("@medusajs/medusa-js").default

const [baseUrl, apiKey] = process.argv.slice(2)
const { admin } = new Medusa({ baseUrl, apiKey, maxRetries: 0 })
const jobs = admin.batchJobs

const say = (name, { response, ...body }) => {
  console.log(JSON.stringify({ name, status: response.status, body }))
  return body
}

async function until(id, status) {
  const deadline = Date.now() + 30000
  for (;;) {
    const answer = await jobs.retrieve(id)
    if (answer.batch_job.status === status) return say(status, answer).batch_job
    if (Date.now() > deadline) throw new Error(`it is ${answer.batch_job.status} by now`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

async function main() {
  const body = { type: "product-export", context: {}, dry_run: true }
  const { batch_job: first } = say("create", await jobs.create(body))
  await until(first.id, "pre_processed")
  say("confirm", await jobs.confirm(first.id))
  const done = await until(first.id, "completed")
  const file = { file_key: done.result.file_key }
  const link = say("download", await admin.uploads.getPresignedDownloadUrl(file))
  const answer = await fetch(link.download_url, { headers: { "x-medusa-access-token": apiKey } })
  console.log(JSON.stringify({ name: "file", status: answer.status, body: await answer.text() }))
  const { batch_job: second } = say("second", await jobs.create(body))
  say("cancel", await jobs.cancel(second.id))
  const query = { type: ["product-export"], created_at: { gt: new Date(0) }, limit: 1 }
  say("list", await jobs.list({ ...query, expand: "created_by_user" }))
  say("canceled", await jobs.list({ id: [first.id, second.id], canceled_at: null }))
  try {
    await jobs.confirm(second.id)
  } catch ({ response: { status, data } }) {
    console.log(JSON.stringify({ name: "refused", status, body: data }))
  }
}

main().catch((error) => {
  console.error(error.response ? error.response.data : error)
  process.exit(1)
})
