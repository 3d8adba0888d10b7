/** For `node --import`: SIGUSR2 sets the process's clock an hour ahead, or back again, as somebody does who corrects a machine's time. */
const HOUR_MS = 3_600_000
const trueTime = Date.now
let ahead = 0

Date.now = () => trueTime() + ahead
process.on('SIGUSR2', () => {
  ahead = HOUR_MS - ahead
})
