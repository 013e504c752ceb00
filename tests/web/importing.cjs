// Medusa's own client, one step of an import each time it is run; the answer goes to standard output.
const Medusa = require("@medusajs/medusa-js").default

const [baseUrl, apiKey, step, argument, status] = process.argv.slice(2)
const { admin } = new Medusa({ baseUrl, apiKey, maxRetries: 0 })
const jobs = admin.batchJobs

async function until() {
  const deadline = Date.now() + 60000
  for (;;) {
    const answer = await jobs.retrieve(argument)
    if (answer.batch_job.status === status) return answer
    if (Date.now() > deadline) throw new Error(`it is ${answer.batch_job.status} by now`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

const steps = {
  create: () =>
    jobs.create({ type: "product-import", context: { fileKey: argument }, dry_run: true }),
  confirm: () => jobs.confirm(argument),
  until,
}

steps[step]().then(
  ({ batch_job }) => console.log(JSON.stringify(batch_job)),
  (error) => {
    console.error(error.response ? error.response.data : error)
    process.exit(1)
  }
)
