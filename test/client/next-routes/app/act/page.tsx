/** Guarded actions on a page that is not guarded. */
import { here, overHttp } from './actions'

export default function Act() {
  return [overHttp, here].map((action, i) => (
    <form key={i} action={action}>
      <input type="hidden" name="word" value={i === 0 ? 'over HTTP' : 'in process'} />
      <button type="submit">{i === 0 ? 'Over HTTP' : 'In process'}</button>
    </form>
  ))
}
