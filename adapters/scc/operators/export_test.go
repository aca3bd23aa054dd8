package operators

// Cheap makes new hashes cost next to nothing, for tests that sign in often.
func (s *Store) Cheap() { s.hash.memory = 64 }
