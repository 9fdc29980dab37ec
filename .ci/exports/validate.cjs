// Holds exports against validators that are not ours: node validate.cjs ASSETS FILE...
// CycloneDX JSON goes through the strict validator of OWASP's own library, and must hold as many devices at its top as there are assets;
// JSON and NDJSON go through ajv with the published schema; Asset Administration Shells (.aas.json) through aas-core's verification.
const fs = require('fs')
const path = require('path')
const { Validation } = require('@cyclonedx/cyclonedx-library')
const aas = require('@aas-core-works/aas-core3.0-typescript')
const Ajv = require('ajv/dist/2020')
const formats = require('ajv-formats')

const [assets, ...files] = process.argv.slice(2)
const ajv = new Ajv({ strict: false, allErrors: true })
formats(ajv)
const schema = JSON.parse(fs.readFileSync(path.join(__dirname, 'inventory.schema.json'), 'utf8'))
ajv.addSchema(schema)

let failed = false
const tell = (file, errors) => {
  if (errors) failed = true
  console.log(`${path.basename(file)}: ${errors ? JSON.stringify(errors).slice(0, 2000) : 'valid'}`)
}
const count = (file, found) => {
  if (Number(assets) !== found) tell(file, `${found} devices, ${assets} assets`)
}

async function main () {
  for (const file of files) {
    const text = fs.readFileSync(file, 'utf8')
    if (file.endsWith('.cdx.json')) {
      const bom = JSON.parse(text)
      tell(file, await new Validation.JsonStrictValidator(bom.specVersion).validate(text))
      count(file, (bom.components ?? []).length)
    } else if (file.endsWith('.aas.json')) {
      const environment = aas.jsonization.environmentFromJsonable(JSON.parse(text))
      const errors = environment.error ? [environment.error] : [...aas.verification.verify(environment.mustValue())]
      tell(file, errors.length ? errors.map(e => `${e.path}: ${e.message}`) : null)
    } else if (file.endsWith('.ndjson')) {
      const validate = ajv.getSchema(schema.$id + '#/$defs/line')
      const lines = text.trim().split('\n').map(line => JSON.parse(line))
      tell(file, lines.map(line => validate(line) ? null : validate.errors).find(Boolean))
      count(file, lines.filter(line => line.record === 'asset').length)
    } else if (file.endsWith('.json')) {
      const validate = ajv.getSchema(schema.$id)
      const document = JSON.parse(text)
      tell(file, validate(document) ? null : validate.errors)
      count(file, document.assets.length)
    } else {
      tell(file, 'nobody here reads it')
    }
  }
  process.exit(failed ? 1 : 0)
}
main()
