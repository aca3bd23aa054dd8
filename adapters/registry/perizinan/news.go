package perizinan

import (
	"context"
	"errors"
	"time"

	"tabe/adapters/notices"
	"tabe/flows/perizinan"
)

var _ notices.Source = (*Registry)(nil)

// News returns how far permits are, by the numbers under which they were
// subscribed to; one that the office has taken out is not news.
func (r *Registry) News(ctx context.Context, numbers []string, _ time.Time) (map[string]notices.News, error) {
	all := make(map[string]notices.News, len(numbers))
	for _, number := range numbers {
		p, err := r.Permit(ctx, perizinan.Number(number))
		if errors.Is(err, perizinan.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		kind, body := perizinan.NewsOf(p)
		all[number] = notices.News{Mark: p.Mark(), Kind: kind, Body: body}
	}
	return all, nil
}
